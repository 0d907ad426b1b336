// What `swf-gateway dev --app`, `register --app` and `worker --app` load.

export { handlers } from './handlers.js'
export { workflows } from './workflows.js'

/** An order that `npm start` shows how to place. */
export const example = {
  type: 'OrderSaga',
  input: {
    id: 'OrderSaga-1',
    customer: 'ada@example.org',
    items: [{ sku: 'KBD-104', quantity: 1 }],
    shipTo: {
      name: 'Ada Lovelace',
      street: '12 Great Castle Street',
      city: 'London',
      postalCode: 'W1G',
      country: 'GB',
    },
    carrier: 'DHL',
    card: { holder: 'Ada Lovelace', number: '4242424242424242', expires: '12/39' },
  },
}
