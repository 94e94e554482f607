"""Names and types of the station's process variables, and the client that uses them."""
