/** The one that there is: clients name it, and rules may choose by it. */
export const DATABASE = 'millrace';
