import type { App } from '../workers/definitions.js'

/** Where the processes of `dev` answer. */
export interface Endpoints {
  graphql: string
  graphqlWs: string
  graphqlStream: string
  graphiql: string
  swf: string
  decider: string
  worker: string
  redis: string
}

/** Returns what `dev` prints when all is up: addresses, and three commands to copy. */
export function addresses(endpoints: Endpoints, app: App, data: string): string {
  const example = app.example ?? { type: app.workflows?.[0]?.name ?? 'MyWorkflow', input: {} }
  const start = {
    query:
      'mutation($input: StartExecutionInput!) { startExecution(input: $input) { execution { workflowId runId status } } }',
    variables: {
      input: {
        workflowId: `${example.type}-1`,
        type: example.type,
        input: example.input,
        idempotencyKey: `${example.type}-1`,
      },
    },
  }
  const watch = {
    query:
      'subscription { executionUpdates { __typename ... on ExecutionChanged { cursor workflowId status saga { state step attempt } execution { failure { reason message } } } ... on ExecutionStuck { execution { workflowId } stuck { reason location } } } }',
  }
  const show = {
    query:
      'query($id: String!) { execution(workflowId: $id) { status state result { value } failure { reason message } stuck { reason location } timeline { kind name startedAt endedAt outcome } } }',
    variables: { id: `${example.type}-1` },
  }
  const json = (body: object) => JSON.stringify(body).replaceAll("'", "'\\''")
  return `
  GraphQL        ${endpoints.graphql}   (WebSocket: ${endpoints.graphqlWs})
  Server events  ${endpoints.graphqlStream}
  GraphiQL       ${endpoints.graphiql}
  Local SWF      ${endpoints.swf}
  Metrics        ${endpoints.graphql.replace('/graphql', '/metrics')}, ${endpoints.decider}/metrics, ${endpoints.worker}/metrics
  Redis          ${endpoints.redis}
  State, logs    ${data}

Start one:

  curl -s ${endpoints.graphql} -H 'content-type: application/json' -d '${json(start)}'

Read it back:

  curl -s ${endpoints.graphql} -H 'content-type: application/json' -d '${json(show)}'

Watch all of them:

  curl -sN ${endpoints.graphqlStream} -H 'content-type: application/json' -H 'accept: text/event-stream' -d '${json(watch)}'

Ctrl-C stops everything; what was running goes on with the next start.`
}
