// The demo's report: a table of the orders, the books, and what both together prove.

import type { Books } from './books.js'
import { duration, effort, problem, type Outcome } from './outcome.js'

export function orderTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(outcome => {
    const { entry, execution } = outcome
    const { attempts, retries, compensations } = effort(outcome)
    const took = duration(outcome)
    const end = execution?.status ?? 'not found'
    return [
      problem(outcome) ? '✗' : '✓',
      entry.id,
      end,
      execution?.failure?.reason ?? '',
      String(attempts),
      String(retries),
      String(compensations),
      took === undefined ? '' : `${(took / 1_000).toFixed(1)} s`,
    ]
  })
  const head = ['', 'order', 'state', 'reason', 'attempts', 'retries', 'compensations', 'duration']
  return table([head, ...rows], 4)
}

export function booksTable(books: Books): string {
  const mark = (balanced: boolean) => (balanced ? '✓' : '✗')
  const rows = books.stock.map(line => [
    mark(line.balanced),
    line.sku,
    String(line.openingStock),
    String(line.stock),
    String(line.shipped),
  ])
  const { taken, refunded, owed, balanced } = books.money
  const { reservations, authorizations, labels } = books.open
  return [
    table([['', 'product', 'at start', 'left', 'shipped'], ...rows], 2),
    '',
    `${mark(balanced)} money: ${euros(taken)} taken − ${euros(refunded)} refunded = ${euros(taken - refunded)}; completed orders: ${euros(owed)}`,
    `${mark(reservations + authorizations + labels === 0)} left open: ${reservations} reservations, ${authorizations} authorizations, ${labels} labels`,
    `${mark(books.wrongOrders.length === 0)} completed orders not paid and shipped exactly once, or others that were: ${books.wrongOrders.join(', ') || 'none'}`,
  ].join('\n')
}

/** Says what was proven, or every order and every sum that is not as it must be. */
export function verdict(
  outcomes: readonly Outcome[],
  books: Books,
  updates: number,
): { text: string; proven: boolean } {
  const wrong = outcomes.flatMap(outcome => {
    const what = problem(outcome)
    return what ? [`${outcome.entry.id} ${what}`] : []
  })
  if (!books.balanced) wrong.push('the books do not balance: see ✗ above')
  if (wrong.length > 0)
    return { text: ['Not as it must be:', ...wrong.map(line => `  ${line}`)].join('\n'), proven: false }
  const completed = outcomes.filter(({ execution }) => execution?.status === 'COMPLETED').length
  const efforts = outcomes.map(effort)
  const sum = (of: keyof (typeof efforts)[number]) => efforts.reduce((total, it) => total + it[of], 0)
  const text = [
    `Proven: all ${outcomes.length} orders ended as their file says.`,
    `  ${completed} completed; each was paid once and shipped once, with every item.`,
    `  ${outcomes.length - completed} ended otherwise and left nothing behind: ${sum('compensations')} times work was undone.`,
    `  ${sum('attempts')} activity tasks did the work; ${sum('retries')} were retries. ${updates} updates came over the subscription.`,
    '  Stock left and stock shipped make the stock at start; money taken less money refunded is the price of the completed orders.',
  ].join('\n')
  return { text, proven: true }
}

/** Lines up columns; those from `firstNumber` on stand to the right. */
function table(rows: readonly (readonly string[])[], firstNumber: number): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const cell = (text: string, column: number) =>
    column < firstNumber ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)
  return rows.map(row => row.map(cell).join('  ').trimEnd()).join('\n')
}

function euros(cents: number): string {
  return `${(cents / 100).toFixed(2)} €`
}
