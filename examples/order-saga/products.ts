// The catalogue: what the shop sells, and the stock that it opens with. Prices are in cents.

export interface Product {
  sku: string
  name: string
  price: number
  stock: number
}

export const PRODUCTS: readonly Product[] = [
  { sku: 'KBD-104', name: 'Mechanical keyboard, ISO, brown switches', price: 11_900, stock: 40 },
  { sku: 'MSE-220', name: 'Vertical mouse, wireless', price: 6_450, stock: 45 },
  { sku: 'MON-270', name: 'Monitor 27", 1440p, USB-C', price: 32_900, stock: 20 },
  { sku: 'DCK-011', name: 'Docking station, 11 ports', price: 18_900, stock: 25 },
  { sku: 'HDS-450', name: 'Headset with noise cancelling', price: 14_995, stock: 30 },
  { sku: 'CAM-108', name: 'Webcam 1080p with privacy shutter', price: 7_990, stock: 30 },
  { sku: 'LMP-330', name: 'Desk lamp, dimmable', price: 5_490, stock: 30 },
  { sku: 'CHR-700', name: 'Office chair, mesh back', price: 24_900, stock: 12 },
  { sku: 'DSK-160', name: 'Standing desk 160 × 80 cm', price: 54_900, stock: 8 },
  { sku: 'ARM-015', name: 'Monitor arm, single', price: 8_900, stock: 25 },
  { sku: 'CBL-002', name: 'USB-C cable, 2 m', price: 1_490, stock: 200 },
  { sku: 'CBL-010', name: 'HDMI cable, 1 m', price: 990, stock: 150 },
  { sku: 'SSD-001', name: 'External SSD, 1 TB', price: 9_990, stock: 35 },
  { sku: 'HUB-007', name: 'USB hub, 7 ports', price: 3_990, stock: 40 },
  { sku: 'PAD-090', name: 'Desk mat, felt, 90 cm', price: 2_990, stock: 60 },
  { sku: 'NTB-005', name: 'Notebooks A5, dotted, set of five', price: 1_850, stock: 120 },
]
