// Before the first paint, so that nobody who chose dark sees a white flash.
const chosen = localStorage.getItem('oriel.theme');
if (chosen === 'light' || chosen === 'dark') {
    document.documentElement.dataset.theme = chosen;
}
