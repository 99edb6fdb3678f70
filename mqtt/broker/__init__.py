"""The broker: our own Mosquitto or an outside one, behind one interface (`BrokerAdmin`), fail-closed.

Whatever the broker obeys is written whole, read back, put in force, and then tried from outside with canaries. A
broker whose canaries do not find what they must is stopped.
"""
