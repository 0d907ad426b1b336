// Subscribers, in a process of their own: WebSockets that speak graphql-transport-ws and do as little as they can with what
// comes. One update at a time is on its way: when each of them has it, the time is told, in milliseconds since 1970.

import { WebSocket } from 'ws'

const now = () => performance.timeOrigin + performance.now()

let sockets = []
let came = 0

function heard() {
  if (++came % sockets.length === 0) process.send(now())
}

function open(port, query) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws', { perMessageDeflate: false })
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.once('open', () => socket.send('{"type":"connection_init"}'))
    socket.once('message', () => {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
      socket.on('message', heard)
      resolve(socket)
    })
  })
}

process.on('message', async message => {
  if (message === 'close') {
    for (const socket of sockets) socket.terminate()
    sockets = []
  } else {
    const { port, count, query } = message
    const opened = []
    // A listen queue is short.
    while (opened.length < count)
      opened.push(
        ...(await Promise.all(Array.from({ length: Math.min(100, count - opened.length) }, () => open(port, query)))),
      )
    sockets = opened
    came = 0
  }
  process.send('done')
})
process.on('disconnect', () => process.exit())
process.send(0)
