//! The tokens of those who may do things. A token itself is not kept: only its hash is, and of a token with 256 bits
//! chance that is enough.

use jiff::Timestamp;
use rusqlite::{Row, params};
use serde_json::json;

use super::tables::{digest, instant, millis, unreadable};
use super::{Store, StoreError, log};
use crate::access::{Right, Token};

impl Store {
    /// Every token that was ever made.
    pub(crate) async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, hash, name, rights, since, expires, revoked FROM tokens ORDER BY since, id",
            )?;
            statement.query_map([], token)?.collect()
        })
        .await
    }

    /// Writes down a new token.
    pub(crate) async fn put_token(&self, at: Timestamp, token: Token) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let Token { id, hash, name, rights, since, expires, .. } = token;
            let rights: Vec<String> = rights.iter().map(Right::to_string).collect();
            // The hash is in the log, so that a token whose row was edited is found out.
            let body = json!({ "id": id, "hash": hash, "name": name, "rights": rights, "expires": expires });
            let seq = log::append(transaction, at, "token", &body)?;
            transaction
                .execute(
                    "INSERT INTO tokens (id, seq, hash, name, rights, since, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        id,
                        seq,
                        hash.to_string(),
                        name,
                        serde_json::to_string(&rights).unwrap_or_default(),
                        millis(since),
                        millis(expires)
                    ],
                )
                .map(drop)
        })
        .await
    }

    /// Ends a token. False if there is none that has not ended.
    pub(crate) async fn revoke_token(&self, at: Timestamp, id: &str, by: &str) -> Result<bool, StoreError> {
        let (id, by) = (id.to_owned(), by.to_owned());
        self.write(move |transaction| {
            let open =
                transaction.prepare_cached("SELECT 1 FROM tokens WHERE id = ?1 AND revoked IS NULL")?.exists([&id])?;
            if open {
                let seq = log::append(transaction, at, "revoke", &json!({ "id": id, "by": by }))?;
                transaction
                    .execute("UPDATE tokens SET revoked = ?2, seq = ?3 WHERE id = ?1", params![id, millis(at), seq])?;
            }
            Ok(open)
        })
        .await
    }
}

fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    let rights: Vec<String> = serde_json::from_str(&row.get::<_, String>(3)?).map_err(|error| unreadable(3, error))?;
    let rights = rights.iter().map(|right| right.parse().map_err(|error| unreadable(3, error)));
    Ok(Token {
        id: row.get(0)?,
        hash: digest(row, 1)?,
        name: row.get(2)?,
        rights: rights.collect::<Result<_, _>>()?,
        since: instant(row.get(4)?),
        expires: instant(row.get(5)?),
        revoked: row.get::<_, Option<i64>>(6)?.map(instant),
    })
}
