/** @import { Answer } from '../types.ts' */

/** The answer got lost, or the request did: whether the service has it is not known. */
export class Lost extends Error {}

/**
 * POST a picture. XMLHttpRequest, because fetch does not say how far an upload is.
 *
 * @param {string} url
 * @param {Blob} picture
 * @param {Record<string, string>} headers
 * @param {(share: number) => void} [onUpload] called with 0 to 1
 * @returns {Promise<Answer>} @throws {Lost}
 */
export function post(url, picture, headers, onUpload = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', url)
    request.responseType = 'blob'
    request.timeout = 180_000
    request.setRequestHeader('Content-Type', picture.type || 'application/octet-stream')
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = event => onUpload(event.loaded / event.total)
    request.onload = () =>
      resolve({ status: request.status, body: request.response, header: name => request.getResponseHeader(name) })
    request.onerror = request.ontimeout = request.onabort = () => reject(new Lost('The answer got lost.'))
    request.send(picture)
  })
}
