/** Marks every process that a test starts, and what those start in turn, for the search after the run. */
export const RUN_MARK = 'TEST_RUN_FOLDER'

/** The environment without anything that leads to somebody's Redis, AWS account or settings; dummy credentials instead. */
export function scrubbed(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !/^(REDIS_URL$|AWS_|SWF_GATEWAY_)/.test(name))
  return {
    ...Object.fromEntries(kept),
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nonexistent/config',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
  }
}
