// The environment, before options are read from it.

/** What Kubernetes sets for the ports of a Service: `tcp://10.0.0.1:4000`. */
const SERVICE_LINK = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/
const OURS = /^SWF_GATEWAY_|^REDIS_URL$|^AWS_ENDPOINT_URL_SWF$/

let passedOver: string[] = []

/**
 * Takes out of the environment what is not meant for us: SWF_GATEWAY_PORT and its like, which Kubernetes sets in every
 * container beside a Service of the name `swf-gateway`; and variables that are empty, which count as not set.
 */
export function passOverForeign(environment = process.env): void {
  const ours = Object.entries(environment).filter(([name]) => OURS.test(name))
  const links = ours.filter(([name, value = '']) => name.endsWith('_PORT') && SERVICE_LINK.test(value))
  const empty = ours.filter(([, value]) => value === '')
  for (const [name] of [...links, ...empty]) delete environment[name]
  passedOver = links.map(([name]) => name)
}

/** The variables that Kubernetes has set, and that an option would have been read from. */
export function variablesPassedOver(): readonly string[] {
  return passedOver
}
