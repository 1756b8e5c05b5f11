//! What others' validators say of our documents. They are installed for the tests, and where they cannot be, a line says
//! so.

#![expect(clippy::unwrap_used, reason = "a test that cannot begin has failed")]

mod validators;
