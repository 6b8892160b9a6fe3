"""What an administrator would be asked when something is not right: looked at on this machine, with what to do."""
