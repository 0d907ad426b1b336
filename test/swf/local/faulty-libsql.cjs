// libsql with faults, for the thread of the store. What is to go wrong stands in `orders.json` beside the database:
// `hold`: a COMMIT waits, and says so in `held`, until the order is gone;
// `fail`: statements that contain this text fail with `code`, from the one numbered `after` on (counted since the start);
// `done`: they fail when they have been done.
// Whatever is asked for after a failure is noted in `after-failure`.

const { appendFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const Database = require('libsql')

module.exports = class Faulty {
  #db
  #folder
  #counted = 0
  #failed = false

  constructor(file) {
    this.#db = new Database(file)
    this.#folder = dirname(file)
  }

  #orders() {
    const file = join(this.#folder, 'orders.json')
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8') || '{}') : {}
  }

  #do(sql, work) {
    if (this.#failed) appendFileSync(join(this.#folder, 'after-failure'), `${sql}\n`)
    if (sql === 'COMMIT') {
      while (this.#orders().hold) {
        writeFileSync(join(this.#folder, 'held'), '')
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
      }
    }
    const { fail, code, after, done } = this.#orders()
    if (!fail || !sql.includes(fail) || ++this.#counted < after) return work()
    this.#failed = true
    if (done) work()
    throw Object.assign(new Error('disk I/O error'), { code })
  }

  prepare(sql) {
    const statement = this.#db.prepare(sql)
    const does =
      name =>
      (...parameters) =>
        this.#do(sql, () => statement[name](...parameters))
    return { run: does('run'), all: does('all'), get: does('get') }
  }

  exec(sql) {
    return this.#db.exec(sql)
  }

  pragma(sql) {
    return this.#db.pragma(sql)
  }

  close() {
    return this.#db.close()
  }
}
