"""What the MQTT devices and SCADA share."""
