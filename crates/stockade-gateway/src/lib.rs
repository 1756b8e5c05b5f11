//! Registry protocols and the API over HTTP: a face.
