"""What was learnt, at work: the two ONNX files through onnxruntime. No torch, no matplotlib."""
