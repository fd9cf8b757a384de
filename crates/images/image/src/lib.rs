//! Images: import, load, references, unpacking
