"""Files of annotation tools: CVAT, Label Studio, LabelMe, CreateML, VIA."""
