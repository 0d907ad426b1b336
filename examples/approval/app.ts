// What `swf-gateway dev --app`, `register --app` and `worker --app` load.

export { handlers } from './handlers.js'
export { workflows } from './workflows.js'

/** A report that `npx swf-gateway dev` shows how to hand in. */
export const example = {
  type: 'ExpenseApproval',
  input: {
    id: 'report-1',
    employee: 'ada',
    approver: 'grace',
    manager: 'edsger',
    items: [
      { id: 'hotel', what: 'Three nights in London', amount: 48_000 },
      { id: 'train', what: 'There and back', amount: 12_300 },
    ],
  },
}
