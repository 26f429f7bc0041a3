//! Users, teams, places, roles and sign-in.
