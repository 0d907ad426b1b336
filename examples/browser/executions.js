// Executions, live: the list as it is, then every change, whatever breaks meanwhile.
//
// 1. A list says from which cursor on updates follow it, so nothing is missed between the two.
// 2. Every update brings the cursor of the place behind it. The last one stands in `variables`, which are sent again
//    whenever a connection is opened again.
// 3. A Resync says that updates may be missing: of one execution, which it brings, or of all, and then it brings the list.

const FIELDS = 'workflowId runId status saga { state step }'

const LIST = `query ($filter: ExecutionFilter) {
  executions(filter: $filter, first: 100) { updatesCursor nodes { ${FIELDS} } }
}`

const UPDATES = `subscription ($filter: ExecutionFilter, $after: String) {
  executionUpdates(filter: $filter, after: $after) {
    __typename
    ... on ExecutionChanged { cursor execution { ${FIELDS} } }
    ... on Resync { cursor message about { ${FIELDS} } executions(first: 100) { nodes { ${FIELDS} } } }
  }
}`

/**
 * Follows executions until the page is closed. `subscribe` is that of websocket.js or event-source.js.
 * `show` is given them all, by runId, and what has just happened.
 * Filter by what does not change, such as type, tag or beginning of the workflowId: what leaves a filter is not told.
 */
export async function followExecutions({ subscribe, filter = {}, show, connection }) {
  connection('connecting')
  const { updatesCursor, nodes } = await list(filter)
  const executions = new Map(nodes.map(execution => [execution.runId, execution]))
  show(executions)
  const variables = { filter, after: updatesCursor }
  const next = ({ data, errors }) => {
    // Nothing that another try would mend: the subscription has ended.
    if (errors) return connection(errors[0].message)
    const update = data.executionUpdates
    const one = update.about ?? update.execution
    if (one) executions.set(one.runId, one)
    else if (update.__typename === 'Resync') {
      executions.clear()
      for (const execution of update.executions.nodes) executions.set(execution.runId, execution)
    }
    show(executions, update)
    // Last, so that what could not be shown comes once more. A program that keeps what it is told stores both together.
    if (update.cursor) variables.after = update.cursor
  }
  subscribe({ query: UPDATES, variables, next, connection })
}

/** Reads the list as soon as the gateway has it. */
async function list(filter) {
  for (;;) {
    const { data, errors } = await ask(LIST, { filter })
    if (errors) throw new Error(errors[0].message)
    // Without a cursor the gateway is still filling its index.
    if (data?.executions.updatesCursor) return data.executions
    await pause()
  }
}

/** Sends a query; nothing comes back when the gateway is away. */
async function ask(query, variables) {
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    return await response.json()
  } catch {
    return {}
  }
}

/** How long to wait before the next try. */
export const pause = () => new Promise(resolve => setTimeout(resolve, 1_000))
