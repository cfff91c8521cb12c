import { element } from './view.js'

/**
 * The three ways in for a photo: chosen, dropped anywhere on the page, or pasted.
 *
 * @param {(file: File) => void} take
 * @param {() => boolean} mayTake whether another photo is welcome now
 */
export function onPhoto(take, mayTake) {
  const input = /** @type {HTMLInputElement} */ (element('photo'))
  input.addEventListener('change', () => {
    const file = input.files?.[0]
    input.value = ''
    if (file && mayTake()) take(file)
  })
  document.addEventListener('paste', event => takeFrom(event, event.clipboardData))
  document.addEventListener('drop', event => takeFrom(event, event.dataTransfer))
  document.addEventListener('dragover', event => {
    event.preventDefault()
    element('drop').classList.add('over')
  })
  for (const end of ['dragleave', 'drop']) {
    document.addEventListener(end, () => element('drop').classList.remove('over'))
  }

  /** @param {Event} event @param {DataTransfer | null} data */
  function takeFrom(event, data) {
    const file = data?.files[0]
    if (!file) return
    event.preventDefault()
    if (mayTake()) take(file)
  }
}
