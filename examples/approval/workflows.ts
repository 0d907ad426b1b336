// For the decider: what it replays, and nothing that does I/O.

import { approval, itemApproval } from './approval.js'
import { archiveYear } from './archive-year.js'

export const workflows = [approval, itemApproval, archiveYear]
