/** The value of a field is not usable; the message says what to do. It follows the name of the column. */
export class FieldFault extends Error {}
