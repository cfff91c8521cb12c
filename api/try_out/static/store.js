/** @import { Purchase } from '../types.ts' */

const DATABASE = 'clearcanvas'
const PURCHASES = 'purchases'
const KEPT_MS = 24 * 3600 * 1000

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Purchases in IndexedDB: what is saved here is still there after a reload, a crash and a power cut. */
export class Store {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database
  }

  static async open() {
    const request = indexedDB.open(DATABASE, 1)
    request.onupgradeneeded = () => request.result.createObjectStore(PURCHASES, { keyPath: 'id' })
    const store = new Store(await done(request))
    await store.forgetOld()
    return store
  }

  /** @param {string} id @returns {Promise<Purchase | undefined>} */
  get(id) {
    return done(this.#objects('readonly').get(id))
  }

  /** @returns {Promise<Purchase | undefined>} the oldest whose payment was sent and not answered */
  async unanswered() {
    return (await this.#all()).find(each => each.payment && !each.result)
  }

  /** @param {Purchase} purchase @returns {Promise<void>} on the disk, not only on its way there */
  save(purchase) {
    return this.#write(objects => objects.put(purchase))
  }

  /** @param {string} id */
  forget(id) {
    return this.#write(objects => objects.delete(id))
  }

  /** Forget the pictures of a day ago, never an open payment. */
  async forgetOld() {
    const old = (await this.#all()).filter(each => each.createdAt < Date.now() - KEPT_MS && (!each.payment || each.result))
    for (const each of old) await this.forget(each.id)
  }

  /** @returns {Promise<Purchase[]>} the oldest first */
  async #all() {
    /** @type {Purchase[]} */
    const all = await done(this.#objects('readonly').getAll())
    return all.sort((one, other) => one.createdAt - other.createdAt)
  }

  /** @param {IDBTransactionMode} mode */
  #objects(mode) {
    return this.database.transaction(PURCHASES, mode, { durability: 'strict' }).objectStore(PURCHASES)
  }

  /** @param {(objects: IDBObjectStore) => void} change @returns {Promise<void>} */
  #write(change) {
    const objects = this.#objects('readwrite')
    change(objects)
    return new Promise((resolve, reject) => {
      objects.transaction.oncomplete = () => resolve()
      objects.transaction.onabort = () => reject(objects.transaction.error)
    })
  }
}
