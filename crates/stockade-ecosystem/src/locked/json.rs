//! Documents in JSON: what can be read of them, with what is wrong said.

use super::Out;
use crate::json::{Collect, Members, document};

/// The members of a document that is to be an object.
pub(crate) fn json<'a>(text: &'a str, out: &mut Out) -> Option<Members<'a>> {
    match document(text, Collect) {
        Ok(Some(members)) => {
            for key in members.repeated() {
                out.problem_of_all(format!("`{}` is there twice", key.escape_debug()));
            }
            Some(members)
        }
        Ok(None) => {
            out.problem(1, "it is not an object");
            None
        }
        Err(error) => {
            let what = if error.is_eof() { "it breaks off" } else { "from here on it is not JSON, or nested too deep" };
            out.problem(u32::try_from(error.line()).unwrap_or(u32::MAX).max(1), what);
            None
        }
    }
}
