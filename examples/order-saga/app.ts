// What `swf-gateway dev --app`, `register --app` and `worker --app` load.

export { handlers } from './handlers.js'
export { workflows } from './workflows.js'
