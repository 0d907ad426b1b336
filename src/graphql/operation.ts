// One operation that does not come as a plain HTTP request: parsed, validated and run with the limits and errors of HTTP.
//
// O1. What leaves here is ready to be sent: no error in it holds more than `present` allows.
// O2. A subscription is pulled: the next update is asked for when the last one has been sent.

import {
  createSourceEventStream,
  execute,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
} from 'graphql'
import { createContext, type Context, type Services } from './context.js'
import { refuseCost } from './cost.js'
import { apiError, present, unreadable } from './errors.js'
import { LIMIT_RULES, PARSE_OPTIONS } from './limits.js'
import { SharedResults } from './shared-results.js'

export interface OperationRequest {
  query: string
  operationName?: string | null | undefined
  variables?: Record<string, unknown> | null | undefined
}

/** An operation that may be run. */
export interface Operation extends ExecutionArgs {
  kind: 'query' | 'mutation' | 'subscription'
  contextValue: Context
}

export interface OperationsOptions {
  schema: GraphQLSchema
  services: Services
}

/** Documents that have been parsed and found valid; the same few are sent again and again. */
const REMEMBERED = 500

export class Operations {
  readonly #schema: GraphQLSchema
  readonly #services: Services
  readonly #documents = new Map<string, DocumentNode>()
  readonly #shared = new SharedResults()

  constructor({ schema, services }: OperationsOptions) {
    this.#schema = schema
    this.#services = services
  }

  /** Returns the operation, or why it cannot be run. `resumeFrom` takes the place of a subscription's `after`. */
  prepare(request: OperationRequest, resumeFrom?: string): Operation | readonly [GraphQLError, ...GraphQLError[]] {
    const document = this.#read(request.query)
    if (Array.isArray(document)) return document as [GraphQLError, ...GraphQLError[]]
    const operation = getOperationAST(document as DocumentNode, request.operationName)
    if (!operation) return [apiError('BAD_USER_INPUT', 'Give the name of the operation to run as operationName')]
    const refusal = refuseCost(this.#schema, document as DocumentNode, operation, request.variables ?? {})
    if (refusal) return [refusal]
    const contextValue = { ...createContext(this.#services), ...(resumeFrom && { resumeFrom }) }
    if (operation.operation === 'query') contextValue.executions.remember()
    return {
      kind: operation.operation,
      schema: this.#schema,
      document: document as DocumentNode,
      operationName: request.operationName ?? null,
      variableValues: request.variables ?? {},
      contextValue,
    }
  }

  /** Runs an operation. Never rejects: what goes wrong is in the result. */
  async run(operation: Operation): Promise<FormattedExecutionResult | AsyncIterableIterator<FormattedExecutionResult>> {
    try {
      const result = await (operation.kind === 'subscription' ? createSourceEventStream(operation) : execute(operation))
      if (Symbol.asyncIterator in result) return this.#results(result as AsyncIterable<object>, operation)
      return this.#done(operation, this.#present(result, operation))
    } catch (error) {
      return this.#done(operation, { errors: [this.explain(error, operation.contextValue)] })
    }
  }

  /** Returns an error as it is sent. */
  explain(error: unknown, context?: Pick<Context, 'requestId'>): ReturnType<typeof present> {
    return present(error, context?.requestId ?? createContext(this.#services).requestId, this.#services.log)
  }

  #read(query: string): DocumentNode | GraphQLError[] {
    const known = this.#documents.get(query)
    if (known) return known
    let document: DocumentNode
    try {
      document = parse(query, PARSE_OPTIONS)
    } catch (error) {
      return [unreadable(error)]
    }
    const errors = validate(this.#schema, document, [...specifiedRules, ...LIMIT_RULES])
    if (errors.length > 0) return [...errors]
    this.#documents.set(query, document)
    if (this.#documents.size > REMEMBERED) this.#documents.delete(this.#documents.keys().next().value!)
    return document
  }

  #present(result: ExecutionResult, { contextValue }: Operation): FormattedExecutionResult {
    const { errors, ...rest } = result
    return { ...rest, ...(errors && { errors: errors.map(error => this.explain(error, contextValue)) }) }
  }

  #done(operation: Operation, result: FormattedExecutionResult): FormattedExecutionResult {
    this.#services.metrics.graphqlRequests.inc({ operation: operation.kind, outcome: result.errors ? 'error' : 'ok' })
    return result
  }

  /** Executes a subscription for everything that its source gives. */
  #results(events: AsyncIterable<object>, operation: Operation): AsyncIterableIterator<FormattedExecutionResult> {
    const { subscribers, graphqlRequests } = this.#services.metrics
    const source = events[Symbol.asyncIterator]()
    const { execute: executeShared, leave } = this.#shared.join(operation, async rootValue => {
      operation.contextValue.budget.reset()
      operation.contextValue.executions.remember()
      return this.#present(await execute({ ...operation, rootValue }), operation)
    })
    let open = true
    subscribers.inc()
    graphqlRequests.inc({ operation: 'subscription', outcome: 'ok' })
    const end = () => {
      if (!open) return
      open = false
      subscribers.dec()
      leave()
    }
    // An object and no async generator: its `return` must reach the source while a `next` is waiting.
    return {
      next: async () => {
        if (!open) return { done: true, value: undefined }
        try {
          const { done, value } = await source.next()
          if (!done) return { done: false, value: await executeShared(value) }
          end()
          return { done: true, value: undefined }
        } catch (error) {
          end()
          return { done: false, value: { errors: [this.explain(error, operation.contextValue)] } }
        }
      },
      return: async () => {
        end()
        await source.return?.()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }
}
