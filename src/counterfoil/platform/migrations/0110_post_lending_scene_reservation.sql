-- What a drawdown under way takes of a scene's limit stands with the purchase that it pays for.
SET LOCAL lock_timeout = '3s';

DROP TABLE lending.scene_reservation;
