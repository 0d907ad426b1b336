// GraphiQL against the gateway that serves this page: queries over HTTP, subscriptions over WebSocket.

import 'graphiql/setup-workers/vite'
import 'graphiql/style.css'
import { GraphiQL } from 'graphiql'
import { getOperationAST } from 'graphql'
import { createClient } from 'graphql-ws'
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'

const WELCOME = `# Ctrl-Space completes; the book on the left has every type.

# The latest executions, and how far they are. Only those that run: executions(filter: { status: [OPEN] }).
query Latest {
  executions(first: 20) {
    count { value }
    nodes {
      workflowId
      type { name version }
      status
      startedAt
      duration
      saga { state step attempt }
    }
  }
}

# Every change from now on.
subscription Updates {
  executionUpdates {
    ... on ExecutionChanged {
      at
      workflowId
      status
      saga { state step attempt }
      cursor
    }
    ... on ExecutionStuck {
      execution { workflowId }
      stuck { reason location }
    }
    ... on Resync { reason }
  }
}

# Starts one. The same idempotencyKey again gives the same run; workflowTypes { nodes { name } } tells which types there are.
mutation Start {
  startExecution(input: {
    workflowId: "order-1"
    type: "OrderSaga"
    idempotencyKey: "order-1"
    input: { id: "order-1" }
  }) {
    created
    execution { runId status }
  }
}

# One execution, with its history.
query One($workflowId: String!) {
  execution(workflowId: $workflowId) {
    status
    state
    input { value }
    result { value }
    failure { code reason message }
    history {
      nodes { eventId eventType timestamp }
    }
  }
}
`

// The page lies beside the API, below whatever path a proxy puts before both.
const url = new URL('../graphql', location.href)
const socket = new URL(url)
socket.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
const client = createClient({ url: socket.href })

/** Sends what GraphiQL asks for, and returns its result or, of a subscription, its results. */
async function fetcher({ query, variables, operationName }, { headers, documentAST } = {}) {
  const operation = { query, variables, operationName }
  if (documentAST && getOperationAST(documentAST, operationName)?.operation === 'subscription')
    return client.iterate(operation)
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(operation),
  })
  return response.json()
}

createRoot(document.getElementById('graphiql')).render(createElement(GraphiQL, { fetcher, defaultQuery: WELCOME }))
