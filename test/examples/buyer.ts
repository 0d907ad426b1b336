// A worker process for the store's test: buys one cup of tea after the other until there is none, and prints how many it got.

import { Store } from '../../examples/order-saga/store.js'

const [file = '', name = '', start = '0'] = process.argv.slice(2)
while (Date.now() < Number(start)) {
  // all buyers open the store at the same moment
}
const store = new Store(file, [{ sku: 'TEA-001', name: 'Tea', price: 500, stock: 50 }])
let bought = 0
const writer = (n: number) => ({
  idempotencyKey: `${name} ${n}`,
  fencingToken: `${n}.0`,
  workflowExecution: { workflowId: name, runId: name },
})
while (store.reserve(writer(bought + 1), `order of ${name}`, 'TEA-001', 1) === 'RESERVED') bought++
store.close()
console.log(bought)
