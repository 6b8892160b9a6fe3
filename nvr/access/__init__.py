"""Who may do what, with which cameras, which of their footage, from when until when, and why: grants."""
