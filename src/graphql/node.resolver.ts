import { Arg, Ctx, Extensions, ID, Query, Resolver } from 'type-graphql'
import type { Context } from './context.js'
import { deciderOf } from './decider.type.js'
import { apiError } from './errors.js'
import { eventOf } from './history.type.js'
import { Node, decodeNodeId } from './node.type.js'
import { queueOf } from './queue.type.js'
import { workerOf } from './worker.type.js'

@Resolver()
export class NodeResolver {
  @Extensions({ rule: 'node:read' })
  @Query(() => Node, { nullable: true, description: 'What has this id; null when it is gone.' })
  async node(
    @Arg('id', () => ID, { description: 'An id that this API gave out.' }) id: string,
    @Ctx() { domains, executions, queues }: Context,
  ): Promise<Node | undefined> {
    const node = decodeNodeId(id)
    if (!node) throw apiError('BAD_USER_INPUT', 'Not an id: pass one that this API gave out, unchanged')
    const domain = await domains.resolve(node.domain)
    switch (node.type) {
      case 'Execution':
        return executions.find(domain, node.workflowId, node.runId)
      case 'HistoryEvent': {
        const execution = await executions.findInSwf(domain, node.workflowId, node.runId)
        return execution && eventOf(await executions.history(execution), node.eventId)
      }
      case 'Queue': {
        const queue = await queues.get(domain, node.taskList)
        return queue && queueOf(queue)
      }
      case 'Worker': {
        const worker = (await queues.workers(domain)).find(({ id }) => id === node.workerId)
        return worker && workerOf(domain, worker)
      }
      case 'Decider': {
        const decider = (await queues.deciders(domain)).find(({ id }) => id === node.deciderId)
        return decider && deciderOf(domain, decider)
      }
    }
  }
}
