/** @param {string} text @returns {string} standard Base64 of its UTF-8 */
export function encode(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}

/** @param {string} text standard or URL-safe Base64, padded or not @returns {string} what its UTF-8 says */
export function decode(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), each => each.charCodeAt(0))
  return new TextDecoder().decode(bytes)
}

/** @param {number} length in bytes @returns {`0x${string}`} */
export function randomHex(length) {
  const bytes = crypto.getRandomValues(new Uint8Array(length))
  return `0x${Array.from(bytes, each => each.toString(16).padStart(2, '0')).join('')}`
}
