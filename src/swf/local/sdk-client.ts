// The AWS SDK's client for a local SWF. The SDK is loaded when it is first asked for: it takes longer than all the rest.

import type * as Sdk from '@aws-sdk/client-swf'
import { createRequire } from 'node:module'

export type { SWF } from '@aws-sdk/client-swf'

/** Polls hold a connection each; the SDK would let 50 be open. */
const MOST_SOCKETS = 1_000

export function sdkClient(endpoint: string, region: string): Sdk.SWF {
  const sdk = createRequire(import.meta.url)('@aws-sdk/client-swf') as typeof Sdk
  return new sdk.SWF({
    endpoint,
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: { httpAgent: { keepAlive: true, maxSockets: MOST_SOCKETS } },
  })
}
