// For the decider: what it replays, and nothing that does I/O.

import { orderSaga } from './workflow.js'

export const workflows = [orderSaga]
