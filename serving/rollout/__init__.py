"""How a version earns traffic in the gateway: who is asked, in which thread, and who answers when it cannot."""
