"""From a checkpoint to two ONNX files and their model card."""
