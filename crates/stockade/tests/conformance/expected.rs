//! What differs in a client from what has to come of a behaviour, and why. Each of these has to be so, that the list stays
//! true.

use crate::cell::{Cell, End};
use crate::rows::{Expected, Row};

/// A client that does not say why something is refused.
struct Silent {
    /// The beginning of the columns' names.
    client: &'static str,
    rows: &'static [&'static str],
    why: &'static str,
}

const SILENT: &[Silent] = &[];

/// What is not as it has to be.
pub(crate) fn judge(column: &str, row: &Row, cell: &Cell) -> Option<String> {
    let fits = match (row.expected, &cell.end) {
        (_, End::Lacks(_)) => true,
        (_, End::Strange(_)) => false,
        (Expected::Whatever, _) => true,
        (Expected::Installs(wanted), End::Installs(version)) => wanted == version,
        (Expected::Refused | Expected::Fails, End::Fails) => true,
        _ => false,
    };
    if !fits {
        return Some(format!("{column}: {}: has to be {:?}, and is {cell}\n{}", row.title, row.expected, cell.said));
    }
    let silent = SILENT.iter().find(|silent| column.starts_with(silent.client) && silent.rows.contains(&row.title));
    match (cell.told, silent) {
        (false, None) => Some(format!("{column}: {}: the person is not told why:\n{}", row.title, cell.said)),
        (true, Some(silent)) => {
            Some(format!("{column}: {}: the person is told why, and it is listed that {}", row.title, silent.why))
        }
        _ => None,
    }
}
