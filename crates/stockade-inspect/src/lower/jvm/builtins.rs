//! What methods of the platform give that only transform values.

use crate::decode;
use crate::eval::OWN_RESOURCE;
use crate::value::{Apply, Arguments, HOLE, Known, Value};

/// What a method gives; `None` if that is not known.
pub(crate) fn function(path: &str, arguments: &Arguments, _apply: &mut Apply<'_>) -> Option<Value> {
    let bytes = match path {
        "java.util.Base64$Decoder.decode" => decode::base64(&arguments.at(1)?.as_bytes()?)?,
        "javax.xml.bind.DatatypeConverter.parseBase64Binary"
        | "org.apache.commons.codec.binary.Base64.decodeBase64" => decode::base64(&arguments.at(0)?.as_bytes()?)?,
        "javax.xml.bind.DatatypeConverter.parseHexBinary" | "org.apache.commons.codec.binary.Hex.decodeHex" => {
            decode::hex(&arguments.at(0)?.as_bytes()?)?
        }
        "java.lang.String.replace" | "java.lang.String.replaceAll" => {
            let part = |at: usize| arguments.at(at).and_then(Value::as_text);
            return Some(Value::text(&part(0)?.replace(&**part(1)?, part(2)?)));
        }
        "java.lang.Class.getResource" | "java.lang.ClassLoader.getResource" => {
            let name =
                arguments.at(1).and_then(Value::as_partial).map_or_else(|| HOLE.to_string(), ToString::to_string);
            return Some(Known::Partial(format!("{OWN_RESOURCE}{HOLE}{name}").into()).into());
        }
        "java.lang.String.toLowerCase" => return Some(Value::text(&arguments.at(0)?.as_text()?.to_lowercase())),
        _ => return None,
    };
    Some(match String::from_utf8(bytes) {
        Ok(text) => Value::text(&text),
        Err(error) => Known::Bytes(error.into_bytes().into()).into(),
    })
}
