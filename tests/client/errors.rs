use super::home::Home;
