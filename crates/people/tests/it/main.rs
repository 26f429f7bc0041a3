//! People from outside: sign-in, sessions, tokens, setup, roles and who may give them, rotas and their calendars.

#[cfg(test)]
mod calendars;
#[cfg(test)]
mod declarations;
#[cfg(test)]
mod finding;
#[cfg(test)]
mod office;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod races;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod rota_limits;
#[cfg(test)]
mod rota_rights;
#[cfg(test)]
mod rotas;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod tree;
