// What a page in a browser can try on a gateway. Runs in the page; resolves to what it got to see, `refused` for nothing.

export async function attack({ gateway, read, change, updates }) {
  const query = text => `${gateway}/graphql?query=${encodeURIComponent(text)}`
  const stream = text => `${gateway}/graphql/stream?query=${encodeURIComponent(text)}`
  const post = text => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: text }),
  })
  const blind = { method: 'POST', mode: 'no-cors', body: JSON.stringify({ query: change }) }
  const attempts = {
    socket: overSocket(),
    events: heard(new EventSource(stream(read)), 'next'),
    subscription: heard(new EventSource(stream(updates)), 'open'),
    post: fetched(`${gateway}/graphql`, post(read)),
    mutation: fetched(`${gateway}/graphql`, post(change)),
    get: fetched(query(read)),
    metrics: fetched(`${gateway}/metrics`),
    blindPost: fetched(`${gateway}/graphql`, blind),
    blindGet: fetched(query(read), { mode: 'no-cors' }),
    blindEvents: fetched(stream(read), { mode: 'no-cors', headers: { accept: 'text/event-stream' } }),
    image: embedded('img', stream(read)),
    script: embedded('script', stream(read)),
    frame: embedded('iframe', query(read)),
    plainForm: submitted('text/plain'),
    urlForm: submitted('application/x-www-form-urlencoded'),
  }
  const seen = {}
  for (const [name, attempt] of Object.entries(attempts)) seen[name] = await attempt
  return seen

  async function overSocket() {
    const socket = new WebSocket(`${gateway.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    if ((await heard(socket, 'open')) === 'refused') return 'refused'
    socket.send('{"type":"connection_init"}')
    await heard(socket, 'message')
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: read } }))
    return heard(socket, 'message')
  }

  function submitted(enctype) {
    const frame = Object.assign(document.createElement('iframe'), { name: enctype })
    const form = document.createElement('form')
    Object.assign(form, { action: `${gateway}/graphql`, enctype, method: 'POST', target: enctype })
    form.append(Object.assign(document.createElement('input'), { name: '{"query":"mutation', value: `${change}"}` }))
    document.body.append(frame, form)
    const loaded = heard(frame, 'load')
    form.submit()
    return loaded.then(() => 'refused')
  }
}

function fetched(url, options) {
  return fetch(url, options).then(
    async response => (response.type === 'opaque' ? 'refused' : await response.text()),
    () => 'refused',
  )
}

function heard(target, type) {
  return new Promise(resolve => {
    target.addEventListener(type, ({ data }) => resolve(data ?? type))
    target.addEventListener('error', () => resolve('refused'))
  })
}

/** A page sees nothing of what it embeds: whether the gateway has run it shows in its metrics. */
function embedded(tag, url) {
  const element = Object.assign(document.createElement(tag), { src: url })
  document.body.append(element)
  return heard(element, 'load').then(() => 'refused')
}
