//! Mainstay: the IT department in one program.
