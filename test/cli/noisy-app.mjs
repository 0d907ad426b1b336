// An app that writes to the console all the time, as libraries may. Told by TRUNCATE of a file, it makes room on a full
// disk as soon as that file is there: LOG is emptied, and what is written to it from then on is copied there.

import { copyFileSync, existsSync, truncateSync } from 'node:fs'

const { defineActivity, defineWorkflow } = await import('swf-gateway/workflow')
const { implement } = await import('swf-gateway')

const { LOG, TRUNCATE } = process.env

export const workflows = [defineWorkflow('Noisy', '1', {}, async () => {})]
export const handlers = [implement(defineActivity('Noise', '1', {}), async () => {})]

let made = 0
setInterval(() => {
  for (let n = 0; n < 60; n++) console.log('x'.repeat(1_000))
  if (!LOG || !existsSync(TRUNCATE)) return
  if (made++ % 50 === 0) truncateSync(LOG)
  else copyFileSync(LOG, TRUNCATE)
}, 20).unref()
