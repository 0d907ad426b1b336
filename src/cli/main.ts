#!/usr/bin/env node
// Where every command begins. What it needs from its first moment on comes before all else is loaded.

import { stopAtOnce } from './early-stop.js'
import { bearLostOutput } from './output.js'

stopAtOnce()
bearLostOutput()
await import('./program.js')
