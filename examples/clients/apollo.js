// Apollo Client: queries over HTTP, subscriptions over a WebSocket that resumes.

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client/core'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'
import { EMBEDDED, POSSIBLE_TYPES } from './types.js'
import { resumingClient } from './resume.js'

/** An object without an id is a part of what holds it, and new values of it are put into the old ones. */
const typePolicies = Object.fromEntries(EMBEDDED.map(type => [type, { keyFields: false, merge: true }]))

/** `url` is that of the gateway; further options are those of graphql-ws. */
export function apolloClient({ url, ...options }) {
  const socket = resumingClient({ url: `${url.replace('http', 'ws')}/graphql`, ...options })
  const client = new ApolloClient({
    cache: new InMemoryCache({ typePolicies, possibleTypes: POSSIBLE_TYPES }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: `${url}/graphql` }),
    ),
  })
  return { client, close: () => socket.dispose() }
}
