//! What others' validators say of our documents. They are installed for the tests, and where they cannot be, a line says
//! so.

mod validators;
