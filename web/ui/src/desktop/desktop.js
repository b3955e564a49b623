import '../strings.js';
