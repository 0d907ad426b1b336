// Shows executions, and what has happened to them since the page was opened.

import { followExecutions } from './executions.js'

const one = selector => document.querySelector(selector)

export function showExecutions(subscribe) {
  return followExecutions({ subscribe, show, connection: state => (one('#connection').textContent = state) })
}

function show(executions, update) {
  const rows = [...executions.values()].map(execution => row('tr', 'td', columns(execution)))
  one('#executions tbody').replaceChildren(...rows)
  if (update?.message) one('#changes').append(row('li', 'span', [`read again: ${update.message}`]))
  else if (update?.execution) one('#changes').append(row('li', 'span', columns(update.execution)))
}

const columns = ({ workflowId, status, saga }) => [workflowId, status, saga ? `${saga.state} ${saga.step ?? ''}` : '']

function row(tag, cellTag, texts) {
  const element = document.createElement(tag)
  for (const text of texts) {
    const cell = document.createElement(cellTag)
    cell.textContent = `${text} `
    element.append(cell)
  }
  return element
}
