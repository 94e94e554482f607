"""Messages to people who are not at the rig: by e-mail and webhook, lost by nothing."""
