"""What encoders, decoders and discriminators are put together of."""
